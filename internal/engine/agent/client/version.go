package client

import "github.com/hashicorp/go-version"

// compareVersions orders two versions by precedence, as semver.org section 11
// says. One that is not semantic, such as "dev", comes after all that are; two
// such are equal.
func compareVersions(a, b string) int {
	left, leftErr := version.NewSemver(a)
	right, rightErr := version.NewSemver(b)
	switch {
	case leftErr != nil && rightErr != nil:
		return 0
	case leftErr != nil:
		return 1
	case rightErr != nil:
		return -1
	}
	return left.Compare(right)
}
