package report

import (
	"encoding/csv"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEveryTimeCarriesItsOffset: a visit over the change of the clock begins and ends at times that
// can be told apart, in whatever it is written.
func TestEveryTimeCarriesItsOffset(t *testing.T) {
	for name, c := range map[string]struct {
		zone, joined, left string
		ticks              []string
	}{
		"end of summer time": {
			"Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00",
			[]string{"02:30+02", "02:40+02", "02:50+02", "02:00+01", "02:10+01", "02:20+01", "02:30+01"},
		},
		"beginning of summer time": {
			"Europe/Berlin", "2026-03-29T01:45:00+01:00", "2026-03-29T03:15:00+02:00",
			[]string{"01:45+01", "01:50+01", "01:55+01", "03:00+02", "03:05+02", "03:10+02", "03:15+02"},
		},
		"no summer time": {"Asia/Shanghai", "2026-10-25T08:30:00+08:00", "2026-10-25T09:00:00+08:00", []string{"08:30+08", "09:00+08"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := oneVisit(t, c.zone, c.joined, c.left)
			joined, left := c.joined[11:], c.left[11:]
			for _, format := range []Format{Table, HTML, SVG} {
				text := html.UnescapeString(written(t, r, format))
				assert.True(t, strings.Contains(text, joined), "%s has no %s", format, joined)
				assert.True(t, strings.Contains(text, left), "%s has no %s", format, left)
				for _, bare := range regexp.MustCompile(`[ >]\d\d:\d\d:\d\d(\.\d+)?.`).FindAllString(text, -1) {
					assert.Contains(t, "+-", bare[len(bare)-1:], "%s: %q has no offset", format, bare)
				}
			}
			timeline := html.UnescapeString(written(t, r, SVG))
			for _, tick := range c.ticks {
				assert.True(t, strings.Contains(timeline, ">"+tick+"<"), "no %s along the timeline", tick)
			}
			lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(written(t, r, CSV), byteOrderMark))).ReadAll()
			require.NoError(t, err)
			require.Len(t, lines, 2)
			assert.Equal(t, []string{c.joined, c.left}, lines[1][4:6])
			for _, column := range lines[1] {
				assert.NotRegexp(t, `\d\d:\d\d:\d\d(\.\d+)?($|[^-+\d:.])`, column)
			}
		})
	}
}

// oneVisit is a meeting with one person's visit, from beginning to end.
func oneVisit(t *testing.T, zone, joined, left string) Report {
	t.Helper()
	from, err := time.Parse(time.RFC3339, joined)
	require.NoError(t, err)
	to, err := time.Parse(time.RFC3339, left)
	require.NoError(t, err)
	minute := func(at time.Time) float64 { return float64(at.UnixMilli()-nine) / 60_000 }
	s := tell(t, "m")
	s.watch(minute(from), "", minute(from))
	s.end(minute(to), is("u1", "Ann", minute(from), minute(to)))
	r := s.report(minute(to) + 1)
	r.Style.Location, err = time.LoadLocation(zone)
	require.NoError(t, err)
	return r
}
