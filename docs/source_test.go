package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	module = "github.com/c4342123/rollcall"
	root   = ".."
)

// source is what the files of a package import, and what they use of it, without its tests.
type source struct {
	imports []string // "time"
	uses    []string // "time.Now"
}

// product reads every package of this module by its folder. Files for other systems count, too.
func product(t *testing.T) map[string]source {
	t.Helper()
	packages := map[string]source{}
	require.NoError(t, filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return skipped(name, entry)
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		dir = filepath.ToSlash(dir)
		packages[dir], err = packages[dir].with(name)
		return err
	}))
	require.Greater(t, len(packages), 20, "the packages are not found")
	return packages
}

// skipped leaves out folders that are no packages of this module: hidden ones, test data, and other
// modules.
func skipped(name string, entry fs.DirEntry) error {
	if name == root {
		return nil
	}
	_, err := os.Stat(filepath.Join(name, "go.mod"))
	if err == nil || strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" {
		return filepath.SkipDir
	}
	return nil
}

// with adds a file.
func (s source) with(name string) (source, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		return s, err
	}
	named := map[string]string{} // the import's path, by its name in the file
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return s, err
		}
		s.imports = append(s.imports, imported)
		if spec.Name != nil {
			named[spec.Name.Name] = imported
		} else {
			named[path.Base(imported)] = imported
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok {
			if of, ok := selector.X.(*ast.Ident); ok && named[of.Name] != "" {
				s.uses = append(s.uses, named[of.Name]+"."+selector.Sel.Name)
			}
		}
		return true
	})
	return s, nil
}

// linked are our packages that a program with this one contains.
func linked(packages map[string]source, name string) map[string]bool {
	all := map[string]bool{}
	var add func(string)
	add = func(name string) {
		for _, imported := range packages[name].imports {
			if ours, found := strings.CutPrefix(imported, module+"/"); found && !all[ours] {
				all[ours] = true
				add(ours)
			}
		}
	}
	add(name)
	return all
}

// within tells whether a package is another or below it. Everything is below "".
func within(name, above string) bool {
	return name == above || above == "" || strings.HasPrefix(name, above+"/")
}
