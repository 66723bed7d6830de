package sdktest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/oapi-codegen/runtime" // what the generated client needs
	"github.com/stretchr/testify/require"
)

// A Go client that oapi-codegen generates from the description compiles, and calls the running
// product.
func TestGoClient(t *testing.T) {
	p := runProduct(t)
	dir := t.TempDir()
	description := file(t, "openapi.yaml", []byte(p.get("/openapi.yaml")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "api"), 0o700))
	command := func(name string, args ...string) *exec.Cmd {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		t.Cleanup(cancel)
		return exec.CommandContext(ctx, name, args...)
	}
	output(t, command("go", "tool", "oapi-codegen", "-generate", "types,client", "-package", "api",
		"-o", filepath.Join(dir, "api", "api.go"), description))

	// The program is a module that has what this one has.
	program, err := os.ReadFile("testdata/goclient/main.go")
	require.NoError(t, err)
	module, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	sums, err := os.ReadFile("go.sum")
	require.NoError(t, err)
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	text := strings.NewReplacer("module github.com/c4342123/rollcall/internal/testing/sdktest", "module rollcall.test/goclient", "=> ../../..", "=> "+root)
	for name, content := range map[string]string{"main.go": string(program), "go.mod": text.Replace(string(module)), "go.sum": string(sums)} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	run := command("go", "run", ".", p.base)
	run.Dir = dir
	output(t, run)
}
