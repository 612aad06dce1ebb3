mock_provider "provisioning" {}

variables {
  app_id = "any"
  people = {
    ada   = { mail = "Ada@Example.com", givenName = "Ada", surname = "Lovelace", jobTitle = "Engineer", department = "Engineering" }
    rene  = { mail = "rene@example.com", givenName = "René", surname = "Descartes", jobTitle = "Thinker", department = "Philosophy", employeeType = "contractor" }
    grace = { mail = "grace@example.com", givenName = "Grace", surname = "Hopper", jobTitle = "Founder", department = "Board" }
    # A leaver is soft-deleted: the engine says so of whoever is out of scope, disabled or gone.
    linus = { mail = "linus@example.com", givenName = "Linus", surname = "Pauling", department = "Chemistry", IsSoftDeleted = true }
    tony  = { givenName = "Tony", surname = "Hoare", department = "Engineering" }
  }
}

run "accounts" {
  assert {
    condition     = output.accounts["ada"].userName == "ada@example.com"
    error_message = "User names are in lower case."
  }
  assert {
    condition     = output.accounts["rene"].nickName == "Rene" && output.accounts["rene"].displayName == "René Descartes"
    error_message = "Accents are taken off the nick name alone."
  }
  assert {
    condition     = output.accounts["rene"].title == "Contractor" && output.accounts["ada"].title == "Engineer"
    error_message = "Contractors have that title, and others their own."
  }
}

run "leavers" {
  assert {
    condition     = output.accounts["linus"].active == "False" && output.accounts["ada"].active == "True"
    error_message = "The template's own mapping disables leavers, and nobody else."
  }
}

run "scope" {
  assert {
    condition     = output.in_scope == { ada = true, rene = true, linus = true, grace = false, tony = false }
    error_message = "All but the board and those without mail are in scope, not ${jsonencode(output.in_scope)}."
  }
}
