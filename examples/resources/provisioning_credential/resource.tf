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

# An access token from an authorization server: asked for when it is needed, kept in memory alone.
resource "provisioning_credential" "directory" {
  name = "directory"
  oauth2_client_credentials = {
    token_url         = "https://login.example.com/oauth2/token"
    client_id         = "provisioning"
    client_secret_ref = "env:DIRECTORY_CLIENT_SECRET"
    scopes            = ["users.read", "users.write"]
    endpoint_params   = { audience = "https://directory.example.com" }
  }
}
