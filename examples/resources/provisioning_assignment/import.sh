# By id, or by the app's name, user or group, whom, and the role where there is one.
terraform import provisioning_assignment.engineering chat/group/Engineering
terraform import provisioning_assignment.founder chat/user/grace@example.com/admin
