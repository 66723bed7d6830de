package bot

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestJoinsAreTold(t *testing.T) {
	w := newWorld(t)
	w.titled("m1", "Weekly")
	w.join("m1", "before") // nobody is told what happened before the robot was there
	w.joined = nil
	w.launch("a", w.rules(office), -1, false)
	w.ready("office")
	w.join("m1", "Ann")
	w.told(0)
	w.join("m1", "Bob")
	w.join("m2", "Chris")
	w.told(0)
	assert.NotContains(t, w.counts(0), "before")
	assert.Contains(t, w.said(0)[0], "#### Weekly\n\n")
}
