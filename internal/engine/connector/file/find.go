package file

import (
	"context"
	"fmt"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// maxFound bounds how many objects Find gives.
const maxFound = 1000

// Find reads the document of that type for the objects that hold the value. An
// attribute that no row has is held by none.
func (s *source) Find(ctx context.Context, typ, attribute, value string) ([]connector.Change, error) {
	var found []connector.Change
	objects := 0
	take := func(change connector.Change) error {
		change.Object.Attributes = slices.Clone(change.Object.Attributes)
		found = append(found, change)
		return nil
	}
	folded := directory.Fold(value)
	for _, d := range s.wanted([]string{typ}) {
		survey, err := d.survey(ctx)
		if err != nil {
			return nil, err
		}
		content, err := d.each(ctx, true, func(r row) error {
			_, wrong := d.problemOf(r, survey)
			if attribute == directory.ByAnchor {
				if r.anchor != value {
					return nil
				}
			} else if held, _ := r.attributes.Get(attribute); !holds(held, folded) {
				return nil
			}
			if objects++; objects > maxFound {
				return &connector.Error{
					Class:  connector.Rejected,
					Code:   codeSource,
					Detail: fmt.Sprintf("%s: more than %d rows hold that value in %q", d.path, maxFound, attribute),
					Advice: "ask by an attribute that tells one object from another",
				}
			}
			return d.yield(r, wrong, take)
		})
		if err != nil {
			return nil, err
		}
		if content != survey.content {
			return nil, d.changed()
		}
	}
	return found, nil
}

// holds reports whether a value, or one of a list, has that folded text.
func holds(value directory.Value, folded string) bool {
	switch value.Kind() {
	case directory.KindNull:
		return false
	case directory.KindList:
		for _, element := range value.Values() {
			if holds(element, folded) {
				return true
			}
		}
		return false
	}
	return directory.Fold(value.String()) == folded
}
