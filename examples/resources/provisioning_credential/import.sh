# By id or by name. The secret stays with the agent; its version is imported.
terraform import provisioning_credential.chat chat
