variable "token" {
  type      = string
  ephemeral = true
}

# Write-only: sealed in the agent's store, in no state or plan. A new version rotates it.
resource "provisioning_credential" "chat" {
  name   = "chat"
  bearer = { token_wo = var.token, token_wo_version = 1 }
}

# A reference: the agent resolves it when it needs the secret.
resource "provisioning_credential" "wiki" {
  name = "wiki"
  basic = {
    username     = "provisioning"
    password_ref = "file:/run/secrets/wiki"
  }
}
