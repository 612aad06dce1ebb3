output "user_mapping" {
  value = provider::provisioning::template("scim").mappings["User"].attributes
}
