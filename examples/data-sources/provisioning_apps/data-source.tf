data "provisioning_apps" "all" {
  depends_on = [provisioning_job.chat]
}

output "in_quarantine" {
  value = [for app in data.provisioning_apps.all.apps : app.name if app.code == "quarantine"]
}
