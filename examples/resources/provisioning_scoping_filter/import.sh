# By id, or by the names of app, object type and filter.
terraform import provisioning_scoping_filter.staff chat/User/staff
