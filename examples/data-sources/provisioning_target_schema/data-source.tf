data "provisioning_target_schema" "chat" {
  app_id = provisioning_app.chat.id
}

# What an account cannot be created without.
output "required_attributes" {
  value = {
    for type in data.provisioning_target_schema.chat.object_types :
    type.name => [for attribute in type.attributes : attribute.name if attribute.required]
  }
}
