# By id, or by the app's name and the object type.
terraform import provisioning_attribute_mapping.users chat/User
