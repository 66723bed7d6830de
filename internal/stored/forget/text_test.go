package forget

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTells(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, name string
		want       bool
	}{
		{"asked for, ticket 4711", "u-conti", false},
		{"u-conti asked for it", "u-conti", true},
		{"asked for (u-conti)", "u-conti", true},
		{"asked by u-continental", "u-conti", false},
		{"u-continental and u-conti", "u-conti", true},
		{"the annual clean-up", "ann", false},
		{"ticket ann-7", "ann", false},
		{"王芳要求删除", "王芳", true},
		{"Zoë asked", "Zoë", true},
		{"anything", "", false},
	} {
		assert.Equal(t, c.want, Tells(c.text, c.name), "%q in %q", c.name, c.text)
	}
}
