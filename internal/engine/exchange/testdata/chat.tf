variable "chat_production_token" {
  type        = string
  description = "The token of credential \"Chat (production)\"."
  ephemeral   = true
  sensitive   = true
}

resource "provisioning_credential" "chat_production" {
  name   = "Chat (production)"
  bearer = { token_wo = var.chat_production_token, token_wo_version = 3 }
}

import {
  to = provisioning_credential.chat_production
  id = "Chat (production)"
}

resource "provisioning_source" "people" {
  name = "people"
  file = {
    users = {
      path       = "/srv/people.csv"
      id         = "employee_id"
      references = { manager = "manager_id" }
    }
    groups = { path = "/srv/groups.json", id = "id", members = "members" }
  }
  attributes = { givenName = "first_name", mail = "email", surname = "last_name", userPrincipalName = "email" }
}

import {
  to = provisioning_source.people
  id = "people"
}

resource "provisioning_app" "chat" {
  name          = "chat"
  source_id     = provisioning_source.people.id
  template      = "scim"
  scim          = { base_url = "https://chat.example.com/scim/v2?tenant=$${x}" }
  credential_id = provisioning_credential.chat_production.id
  protected     = ["root@example.com"]
  labels        = { cost-center = "4711", owner = "IT | ops" }
}

import {
  to = provisioning_app.chat
  id = "chat"
}

resource "provisioning_attribute_mapping" "chat_user" {
  app_id      = provisioning_app.chat.id
  object_type = "User"
  actions     = ["create", "update"]
  attributes = {
    "active"                                                             = { expression = "Switch([IsSoftDeleted], , \"False\", \"True\", \"True\", \"False\")" }
    "displayName"                                                        = { expression = "Join(\" \", [givenName], [surname])", default = "Nobody" }
    "emails[type eq \"work\"].value"                                     = { source = "mail", when_null = "ignore" }
    "externalId"                                                         = { source = "employee_id", matching_precedence = 1 }
    "nickName"                                                           = { expression = "IIF([country] = \"US\" , [givenName] & \"%%{x}\", IgnoreAttributeFlow)" }
    "preferredLanguage"                                                  = { constant = "en", apply = "on_create" }
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager" = { source = "manager" }
    "userName"                                                           = { source = "userPrincipalName", matching_precedence = 2 }
    "userType"                                                           = { default = "Employee" }
  }
}

import {
  to = provisioning_attribute_mapping.chat_user
  id = "chat/User"
}

resource "provisioning_scoping_filter" "chat_user_interns_2026" {
  app_id      = provisioning_app.chat.id
  object_type = "User"
  name        = "interns/2026"
  clauses = [
    { attribute = "employee_id", operator = "starts_with", value = "I." },
    { attribute = "mail", operator = "regex_match", value = ".*@(a|b)\\.example" },
  ]
}

import {
  to = provisioning_scoping_filter.chat_user_interns_2026
  id = "chat/User/interns/2026"
}

resource "provisioning_scoping_filter" "chat_user_staff" {
  app_id      = provisioning_app.chat.id
  object_type = "User"
  name        = "staff"
  clauses = [
    { attribute = "employee_type", operator = "not_equals", value = "contractor" },
    { attribute = "mail", operator = "is_not_null" },
  ]
}

import {
  to = provisioning_scoping_filter.chat_user_staff
  id = "chat/User/staff"
}

resource "provisioning_assignment" "chat_engineering" {
  app_id = provisioning_app.chat.id
  group  = "Engineering"
}

import {
  to = provisioning_assignment.chat_engineering
  id = "chat/group/Engineering"
}

resource "provisioning_assignment" "chat_grace_example_com_admin" {
  app_id = provisioning_app.chat.id
  user   = "grace@example.com"
  role   = "admin"
}

import {
  to = provisioning_assignment.chat_grace_example_com_admin
  id = "chat/user/grace@example.com/admin"
}

resource "provisioning_job" "chat" {
  app_id               = provisioning_app.chat.id
  interval             = "30m"
  accidental_deletions = { percent = 12.5, threshold = 50 }
  deprovisioning = {
    User = { deleted = "disable" }
  }
  revisions = [
    provisioning_source.people.revision,
    provisioning_app.chat.revision,
    provisioning_attribute_mapping.chat_user.revision,
    provisioning_scoping_filter.chat_user_staff.revision,
    provisioning_scoping_filter.chat_user_interns_2026.revision,
    provisioning_assignment.chat_engineering.revision,
    provisioning_assignment.chat_grace_example_com_admin.revision,
    "User filter gone 0123456789ab",
  ]
  wait_for = "initial_cycle"
}

import {
  to = provisioning_job.chat
  id = "chat"
}
