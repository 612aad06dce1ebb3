data "provisioning_source_schema" "people" {
  source_id = provisioning_source.people.id
}

# What mappings of users may refer to.
output "source_attributes" {
  value = { for type in data.provisioning_source_schema.people.object_types : type.name => type.attributes[*].name }
}
