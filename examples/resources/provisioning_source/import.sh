# By id or by name.
terraform import provisioning_source.people people
