# Who can sign in to the app, and what lets them.
data "provisioning_accounts" "chat" {
  app_id      = provisioning_app.chat.id
  object_type = "User"
  depends_on  = [provisioning_job.chat]
}

output "access" {
  value = {
    for account in data.provisioning_accounts.chat.accounts : account.target.display_name => {
      since = account.linked_at
      by    = account.assignments[*].name
    } if account.enabled
  }
}

# What one person has, over all apps.
data "provisioning_accounts" "grace" {
  person     = "grace@example.com"
  depends_on = [provisioning_job.chat]
}

# Before the job is on for the first time: does the app have accounts of nobody?
data "provisioning_accounts" "before" {
  app_id            = provisioning_app.chat.id
  include_unmatched = true
  depends_on        = [provisioning_attribute_mapping.users, provisioning_scoping_filter.staff]
}

check "accounts" {
  assert {
    condition     = length(data.provisioning_accounts.before.unmatched.doubtful) == 0
    error_message = "Some in scope may have an account under another name, and would get a second one: see terraform-provider-provisioning accounts --app chat --unmatched"
  }
}
