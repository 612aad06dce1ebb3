// Command functionpage writes the page about the mapping language, with every
// function from the table that the language is made of.
package main

import (
	_ "embed"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
)

//go:embed page.md.tmpl
var page string

// group is what the page shows together.
type group struct {
	Name      string
	Functions []expression.Function
}

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write() error {
	parsed, err := template.New("page").Funcs(template.FuncMap{
		"takes": takes, "given": given, "result": result, "anchor": strings.ToLower,
	}).Parse(page)
	if err != nil {
		return err
	}
	var groups []group
	for _, name := range expression.Groups() {
		g := group{Name: name}
		for _, f := range expression.Functions() {
			if f.Group == name {
				g.Functions = append(g.Functions, f)
			}
		}
		groups = append(groups, g)
	}
	return parsed.Execute(os.Stdout, map[string]any{"Groups": groups, "MaxLength": expression.MaxLength})
}

// takes says what a parameter takes.
func takes(p expression.Parameter) string {
	text := string(p.Type)
	if p.Type == expression.TypeWord {
		text = "a word without quotes"
	}
	if p.Allowed != nil {
		text += ": `" + strings.Join(p.Allowed, "`, `") + "`"
	}
	switch {
	case p.Optional && p.Repeating:
		return text + ", any number of times"
	case p.Optional:
		return text + ", optional"
	case p.Repeating:
		return text + ", repeated"
	}
	return text
}

// longest is how many characters a text may have that is shown as a whole.
const longest = 60

// given shows the attributes of an example, a long text by its beginning.
func given(attributes directory.Attributes) string {
	var shown []string
	for _, a := range attributes {
		value := a.Value.String()
		if _, text := a.Value.AsText(); text {
			if characters := []rune(value); len(characters) > longest {
				value = string(characters[:longest/2]) + "…"
			}
			value = fmt.Sprintf("%q", value)
		}
		shown = append(shown, a.Name+" = "+value)
	}
	return strings.Join(shown, ", ")
}

// result shows what an example gives.
func result(e expression.Example) string {
	if e.Random {
		return "such as `" + e.Result + "`"
	}
	return "`" + e.Result + "`"
}
