package audit

import (
	"strings"
	"unicode/utf8"
)

// The bounds of a shortened entry: it stays below maxLine even where each byte
// takes six in JSON.
const (
	shortText  = 512
	shortItems = 40
)

// shortened gives the entry with texts and lists cut to their bounds. Details of
// steps go altogether.
func shortened(e Entry) Entry {
	for _, text := range []*string{&e.Reason, &e.ErrorCode, &e.RecommendedAction, &e.InitiatedBy, &e.AppID, &e.CycleID, &e.ChangeID,
		&e.Source.Type, &e.Source.ID, &e.Source.DisplayName, &e.Target.Type, &e.Target.ID, &e.Target.DisplayName} {
		*text = short(*text)
	}
	e.Category, e.Action, e.Status = Category(short(string(e.Category))), Action(short(string(e.Action))), Status(short(string(e.Status)))
	var steps []Step
	for _, s := range e.Steps[:min(len(e.Steps), shortItems)] {
		steps = append(steps, Step{Name: short(s.Name), Type: StepType(short(string(s.Type))), Status: Status(short(string(s.Status))),
			Description: short(s.Description)})
	}
	var properties []Property
	for _, p := range e.ModifiedProperties[:min(len(e.ModifiedProperties), shortItems)] {
		properties = append(properties, Property{Name: short(p.Name), Old: shortValue(p.Old), New: shortValue(p.New)})
	}
	e.Steps, e.ModifiedProperties = steps, properties
	return e
}

func short(text string) string {
	if len(text) <= shortText {
		return text
	}
	end := shortText
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.ToValidUTF8(text[:end], "\uFFFD") + "…"
}

func shortValue(text *string) *string {
	if text == nil {
		return nil
	}
	cut := short(*text)
	return &cut
}
