# "Ada Lovelace"
output "display_name" {
  value = provider::provisioning::evaluate("Join(\" \", [givenName], [surname])", {
    givenName = "Ada"
    surname   = "Lovelace"
  })
}

# "ada2": "ada" is taken
output "user_name" {
  value = provider::provisioning::evaluate(
    "SelectUniqueValue(ToLower([givenName]), Append(ToLower([givenName]), \"2\"))",
    { givenName = "Ada" },
    { taken = ["ada"] },
  )
}
