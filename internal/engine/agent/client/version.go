package client

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

// semantic is a version after semver.org 2.0.0, with or without a v.
var semantic = regexp.MustCompile(`^v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$`)

// compareVersions orders two versions by precedence, as semver.org section 11
// says. One that is not semantic, such as "dev", comes after all that are; two
// such are equal.
func compareVersions(a, b string) int {
	left, right := semantic.FindStringSubmatch(a), semantic.FindStringSubmatch(b)
	switch {
	case left == nil && right == nil:
		return 0
	case left == nil:
		return 1
	case right == nil:
		return -1
	}
	for i := 1; i <= 3; i++ {
		if order := compareNumbers(left[i], right[i]); order != 0 {
			return order
		}
	}
	return comparePreReleases(left[4], right[4])
}

// comparePreReleases orders what follows the hyphen. None is the release
// itself, which comes last.
func comparePreReleases(a, b string) int {
	if a == "" || b == "" {
		return cmp.Compare(b, a)
	}
	left, right := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(left), len(right)) {
		if order := compareIdentifiers(left[i], right[i]); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(left), len(right))
}

// compareIdentifiers orders numbers by value, before texts.
func compareIdentifiers(a, b string) int {
	aNumber, bNumber := isNumber(a), isNumber(b)
	switch {
	case aNumber && bNumber:
		return compareNumbers(a, b)
	case aNumber:
		return -1
	case bNumber:
		return 1
	}
	return strings.Compare(a, b)
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
}

func compareNumbers(a, b string) int {
	left, _ := strconv.ParseUint(a, 10, 64)
	right, _ := strconv.ParseUint(b, 10, 64)
	return cmp.Compare(left, right)
}
