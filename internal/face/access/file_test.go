package access

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadFile(t *testing.T) {
	tokens, err := ReadFile(file(t, `# of the office
tokens:
  - name: office
    hash: sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
    scopes: [read, watch, read]
    organisation: dingabc
`+line("it", "x", "admin")))
	require.NoError(t, err)
	assert.Equal(t, []Token{
		{"office", HashOf("abc"), Scopes{Read, Watch}, "dingabc"},
		{"it", HashOf("x"), Scopes{Admin}, ""},
	}, tokens)
	for _, empty := range []string{"", "tokens:\n", "tokens: []\n", "# nothing\n"} {
		tokens, err := ReadFile(file(t, empty))
		require.NoError(t, err, empty)
		assert.Empty(t, tokens)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ content, says string }{
		"no YAML":             {"tokens: [", "no YAML"},
		"a list":              {"- name: x\n", "want tokens:"},
		"another key":         {"token: []\n", "want tokens:"},
		"two documents":       {"tokens: []\n---\ntokens: []\n", "more than one document"},
		"an unknown field":    {"tokens:\n" + line("a", "x", "read") + "  - {name: b, token: hunter2, scopes: [read]}\n", "line 3: want name"},
		"a field twice":       {"tokens:\n  - {name: a, name: b, scopes: [read]}\n", "line 2: want name"},
		"a token in the hash": {"tokens:\n  - {name: a, hash: hunter2, scopes: [read]}\n", "line 2: the hash is not sha256:"},
		"another hash":        {"tokens:\n  - {name: a, hash: 'md5:900150983cd24fb0d6963f7d28e17f72', scopes: [read]}\n", "the hash"},
		"a short hash":        {"tokens:\n  - {name: a, hash: 'sha256:ba78', scopes: [read]}\n", "the hash"},
		"no scopes":           {"tokens:\n" + line("a", "x", ""), "no scopes"},
		"an unknown scope":    {"tokens:\n" + line("a", "x", "read, write"), `"write" is none of read,watch,erase,admin`},
		"scopes that are no list": {
			"tokens:\n  - {name: a, hash: '" + HashOf("x").String() + "', scopes: read}\n", "line 2: want name",
		},
		"no name":             {"tokens:\n" + line("''", "x", "read"), "is no name"},
		"a name with a space": {"tokens:\n" + line("a b", "x", "read"), "is no name"},
		"a name twice":        {"tokens:\n" + line("a", "x", "read") + line("a", "y", "read"), "line 3: there is another token a"},
		"a token twice":       {"tokens:\n" + line("a", "x", "read") + line("b", "x", "read"), "line 3: a and b are the same token"},
		"no corpId": {
			"tokens:\n  - {name: a, hash: '" + HashOf("x").String() + "', scopes: [read], organisation: 'a b'}\n", "no corpId",
		},
	} {
		_, err := ReadFile(file(t, c.content))
		require.ErrorContains(t, err, c.says, name)
		assert.NotContains(t, err.Error(), "hunter2")
		assert.NotContains(t, err.Error(), "sha256:ba78")
	}
	_, err := ReadFile(filepath.Join(t.TempDir(), "nowhere"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
