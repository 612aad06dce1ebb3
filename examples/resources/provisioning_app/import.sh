# By id or by name.
terraform import provisioning_app.chat chat
