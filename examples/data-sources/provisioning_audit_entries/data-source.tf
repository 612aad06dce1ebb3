# Who was left out of the first cycle, and why.
data "provisioning_audit_entries" "skipped" {
  app_id   = provisioning_app.chat.id
  cycle_id = data.provisioning_status.chat.first_cycle.id
  status   = "skipped"
  limit    = 100
}

output "skipped" {
  value = { for entry in data.provisioning_audit_entries.skipped.entries : entry.source.display_name => entry.reason }
}
