package expression

import (
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// compareValues orders two single values: dates by time, numbers by value
// however long, all else by canonical text, ordinal; null is "".
func compareValues(a, b directory.Value) int {
	if a.Kind() == b.Kind() {
		switch a.Kind() {
		case directory.KindInteger:
			left, _ := a.AsInteger()
			right, _ := b.AsInteger()
			return compareIntegers(left, right)
		case directory.KindTime:
			left, _ := a.AsTime()
			right, _ := b.AsTime()
			return left.Compare(right)
		}
	}
	left, right := a.String(), b.String()
	if isNumber(left) && isNumber(right) {
		return compareNumbers(left, right)
	}
	return strings.Compare(left, right)
}

func compareIntegers(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// isNumber reports whether text is a decimal number: an optional minus,
// digits, and optionally a point and digits.
func isNumber(text string) bool {
	if text == "" || !isDigit(text[0]) && text[0] != '-' {
		return false
	}
	whole, fraction, pointed := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	return areDigits(whole) && (!pointed || areDigits(fraction))
}

func areDigits(text string) bool {
	for i := range len(text) {
		if !isDigit(text[i]) {
			return false
		}
	}
	return text != ""
}

// compareNumbers orders two texts that are numbers, exactly.
func compareNumbers(a, b string) int {
	aNegative, aWhole, aFraction := splitNumber(a)
	bNegative, bWhole, bFraction := splitNumber(b)
	if aNegative != bNegative {
		if aNegative {
			return -1
		}
		return 1
	}
	order := compareIntegers(int64(len(aWhole)), int64(len(bWhole)))
	if order == 0 {
		order = strings.Compare(aWhole, bWhole)
	}
	if order == 0 {
		order = strings.Compare(aFraction, bFraction)
	}
	if aNegative {
		return -order
	}
	return order
}

// splitNumber gives a number's parts without the zeros that mean nothing.
func splitNumber(text string) (negative bool, whole, fraction string) {
	digits := strings.TrimPrefix(text, "-")
	whole, fraction, _ = strings.Cut(digits, ".")
	whole = strings.TrimLeft(whole, "0")
	fraction = strings.TrimRight(fraction, "0")
	return len(digits) < len(text) && whole+fraction != "", whole, fraction
}
