data "provisioning_app_template" "scim" {
  name = "scim"
}

output "quirks" {
  value = data.provisioning_app_template.scim.quirks
}
