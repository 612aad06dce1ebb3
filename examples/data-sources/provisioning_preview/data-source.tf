data "provisioning_preview" "chat" {
  app_id     = provisioning_app.chat.id
  depends_on = [provisioning_job.chat]
}

check "few_removals" {
  assert {
    condition     = data.provisioning_preview.chat.disabled + data.provisioning_preview.chat.deleted < 10
    error_message = "The next cycle would remove ${data.provisioning_preview.chat.disabled + data.provisioning_preview.chat.deleted} accounts."
  }
}
