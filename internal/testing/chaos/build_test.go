package chaos_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// root is the repository, as seen from this package.
const root = "../../.."

// flaw is a change of the program's source that breaks a promise: a test that does not notice it is
// worth nothing. It is made on a copy that only the compiler sees.
type flaw struct {
	file string // in the repository
	// replaced is what is in the file exactly once, by what takes its place.
	replaced, by string
}

// build builds the program, with flaws if there are any.
func build(to string, flaws []flaw) error {
	args := []string{"build", "-o", to}
	if len(flaws) > 0 {
		overlay, err := overlay(to, flaws)
		if err != nil {
			return err
		}
		args = append(args, "-overlay", overlay)
	}
	if out, err := exec.Command("go", append(args, root+"/cmd/rollcall")...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s\n%w", out, err)
	}
	return nil
}

// overlay writes the changed files, and the file that tells the compiler of them.
func overlay(to string, flaws []flaw) (string, error) {
	replace := map[string]string{}
	for i, f := range flaws {
		original, err := filepath.Abs(filepath.Join(root, f.file))
		if err != nil {
			return "", err
		}
		from := original
		if changed, ok := replace[original]; ok {
			from = changed
		}
		source, err := os.ReadFile(from)
		if err != nil {
			return "", err
		}
		if n := bytes.Count(source, []byte(f.replaced)); n != 1 {
			return "", fmt.Errorf("%s: %q is there %d times: the flaw has to be thought of anew", f.file, f.replaced, n)
		}
		changed := fmt.Sprintf("%s-%d.go", to, i)
		if err := os.WriteFile(changed, bytes.Replace(source, []byte(f.replaced), []byte(f.by), 1), 0o600); err != nil {
			return "", err
		}
		replace[original] = changed
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	return to + ".json", os.WriteFile(to+".json", data, 0o600)
}
