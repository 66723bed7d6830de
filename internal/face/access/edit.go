package access

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"go.yaml.in/yaml/v3"

	"github.com/c4342123/rollcall/internal/config"
)

const (
	// fileMode is that of a token file that is new: others need not see the hashes.
	fileMode = 0o600
	// lockTimeout is how long another program may take to change the file.
	lockTimeout = 10 * time.Second
	lockRetry   = 20 * time.Millisecond
)

// ErrNoToken says that no token has a name.
var ErrNoToken = errors.New("there is no token of this name")

// Entry is a token as it stands in a file.
func Entry(t Token) (string, error) {
	text, err := write(map[string][]entry{"tokens": {entryOf(t)}})
	return string(text), err
}

// write writes YAML as token files hold it.
func write(what any) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err := errors.Join(encoder.Encode(what), encoder.Close())
	return out.Bytes(), err
}

// Add puts a token into a file, which is made if there is none. What else stands there stays, notes
// included.
func Add(path string, t Token) error {
	return edit(path, func(tokens []Token, list *yaml.Node) error {
		if err := clash(tokens, t); err != nil {
			return err
		}
		var added yaml.Node
		if err := added.Encode(entryOf(t)); err != nil {
			return err
		}
		list.Content = append(list.Content, &added)
		return nil
	})
}

// Remove takes a token out of a file; [ErrNoToken] if there is none of the name.
func Remove(path, name string) error {
	return edit(path, func(tokens []Token, list *yaml.Node) error {
		for i, t := range tokens {
			if t.Name == name {
				list.Content = append(list.Content[:i], list.Content[i+1:]...)
				return nil
			}
		}
		return fmt.Errorf("%s: %s: %w", path, name, ErrNoToken)
	})
}

// edit changes the list of tokens in a file, while no other program does.
func edit(path string, change func(tokens []Token, list *yaml.Node) error) (err error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // the link stays one
	}
	lock, err := locked(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	content, err := config.ReadBounded(path, maxFile)
	mode := fs.FileMode(fileMode)
	switch info, failed := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case failed != nil:
		return failed
	default:
		mode = info.Mode().Perm()
	}
	tokens, err := parse(content)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return fmt.Errorf("%s: %w", path, withoutValues(err))
	}
	if err := change(tokens, listIn(&document)); err != nil {
		return err
	}
	changed, err := write(&document)
	if err != nil {
		return err
	}
	if _, err := parse(changed); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return replace(path, changed, mode)
}

// locked keeps other programs from changing the file, by another file that stays: whoever removed it
// would let in two that wait.
func locked(path string) (*flock.Flock, error) {
	lock := flock.New(path + ".lock")
	for began := time.Now(); ; time.Sleep(lockRetry) {
		ok, err := lock.TryLock()
		switch {
		case err != nil:
			return nil, err
		case ok:
			return lock, nil
		case time.Since(began) > lockTimeout:
			return nil, fmt.Errorf("%s: another program is changing it", path)
		}
	}
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// listIn is the list of tokens in a document, which gets one if it has none.
func listIn(document *yaml.Node) *yaml.Node {
	if document.Kind != yaml.DocumentNode || len(document.Content) == 0 || document.Content[0].Kind != yaml.MappingNode {
		head, foot := document.HeadComment, document.FootComment
		*document = yaml.Node{Kind: yaml.DocumentNode, HeadComment: head, FootComment: foot, Content: []*yaml.Node{{Kind: yaml.MappingNode}}}
	}
	root := document.Content[0]
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "tokens" {
			list := root.Content[i+1]
			if list.Kind != yaml.SequenceNode {
				*list = yaml.Node{Kind: yaml.SequenceNode}
			}
			list.Style = 0 // one token a line
			return list
		}
	}
	list := &yaml.Node{Kind: yaml.SequenceNode}
	root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "tokens"}, list)
	return list
}

// replace writes a file so that a reader finds the old one or the new one.
func replace(path string, content []byte, mode fs.FileMode) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ignoreGone(os.Remove(temporary.Name()))) }()
	_, err = temporary.Write(content)
	if err := errors.Join(err, temporary.Chmod(mode), temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
