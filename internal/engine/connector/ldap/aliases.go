package ldap

import (
	"maps"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// aliases lead from the names that mappings use to those of RFC 4519 and RFC
// 2798. Names that are the same on both sides (givenName, displayName, mail,
// telephoneNumber, mobile, facsimileTelephoneNumber, postalCode,
// physicalDeliveryOfficeName, preferredLanguage) need none.
var aliases = map[string]map[string]string{
	directory.User: {
		"surname":       "sn",
		"mailNickname":  "uid",
		"jobTitle":      "title",
		"department":    "departmentNumber",
		"employeeId":    "employeeNumber",
		"companyName":   "o",
		"streetAddress": "street",
		"city":          "l",
		"state":         "st",
		"country":       "c",
	},
	directory.Group: {
		"displayName": "cn",
	},
}

// DefaultAliases gives the names under which mappings and filters know the
// attributes of an object type, to the directory's own. objectId is the anchor
// without an alias.
func DefaultAliases(typ string) map[string]string { return maps.Clone(aliases[typ]) }
