# An LDAP directory over TLS, read as the user of a credential.
resource "provisioning_credential" "directory" {
  name = "directory"
  basic = {
    username     = "cn=provisioning,dc=example,dc=org"
    password_ref = "file:/run/secrets/directory"
  }
}

resource "provisioning_source" "directory" {
  name          = "directory"
  credential_id = provisioning_credential.directory.id
  ldap = {
    url            = "ldaps://ldap.example.com"
    ca_certificate = file("${path.module}/ca.pem")
    users          = { base_dn = "ou=people,dc=example,dc=org", filter = "(objectClass=inetOrgPerson)" }
    groups         = { base_dn = "ou=groups,dc=example,dc=org", filter = "(objectClass=groupOfNames)" }
  }
  # sn, uid, cn of groups and the like need no line: the connector knows them.
  attributes = {
    userPrincipalName = "mail"
  }
}
