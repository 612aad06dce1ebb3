resource "provisioning_job" "chat" {
  app_id               = provisioning_app.chat.id
  enabled              = true
  interval             = "10m"
  wait_for             = "initial_cycle"
  accidental_deletions = { threshold = 50, percent = 10 }
  deprovisioning = {
    User = { out_of_scope = "disable", deleted = "delete", grace_period = "30d" }
  }
  revisions = [
    provisioning_source.people.revision,
    provisioning_app.chat.revision,
    provisioning_attribute_mapping.users.revision,
    provisioning_scoping_filter.staff.revision,
    provisioning_assignment.engineering.revision,
  ]
  timeouts = { create = "30m", update = "30m" }
}
