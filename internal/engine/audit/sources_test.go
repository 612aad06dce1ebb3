package audit

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Every code that a connector, a mapping, a cycle or a job gives as text is in
// the catalogue: whoever reads the log learns what it means and what to do.
// Found are constants named code…, fields named Code, and the first argument of
// rejected and fail.
func TestCodes_ofSources(t *testing.T) {
	found := map[string]token.Position{}
	files := token.NewFileSet()
	for _, folder := range []string{"connector", "mapping", "provision", "snapshot", "cycle", "job"} {
		err := filepath.WalkDir(filepath.Join("..", folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(files, path, nil, 0)
			if err != nil {
				return err
			}
			note := func(e ast.Expr) {
				if literal, ok := e.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					if code, err := strconv.Unquote(literal.Value); err == nil && code != "" {
						found[code] = files.Position(literal.Pos())
					}
				}
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch x := n.(type) {
				case *ast.KeyValueExpr:
					if key, ok := x.Key.(*ast.Ident); ok && key.Name == "Code" {
						note(x.Value)
					}
				case *ast.ValueSpec:
					for i, name := range x.Names {
						if strings.HasPrefix(name.Name, "code") && i < len(x.Values) {
							note(x.Values[i])
						}
					}
				case *ast.CallExpr:
					if f, ok := x.Fun.(*ast.Ident); ok && (f.Name == "rejected" || f.Name == "fail") && len(x.Args) > 1 {
						note(x.Args[0])
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 15 {
		t.Errorf("found just %d codes", len(found))
	}
	for code, at := range found {
		if _, known := byName[code]; !known {
			t.Errorf("%s: %q is not in the catalogue", at, code)
		}
	}
}
