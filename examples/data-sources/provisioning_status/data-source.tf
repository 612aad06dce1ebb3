data "provisioning_status" "chat" {
  app_id     = provisioning_app.chat.id
  depends_on = [provisioning_job.chat]
}

output "accounts" {
  value = data.provisioning_status.chat.managed["User"]
}
