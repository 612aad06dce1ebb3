# By id, or by the app's name.
terraform import provisioning_job.chat chat
