package report

import (
	"io"
	"testing"
)

// BenchmarkReport folds the events of a large meeting and writes the report.
func BenchmarkReport(b *testing.B) {
	s := tell(b, "m")
	s.watch(0, "All hands", 0)
	for minute := 5.0; minute <= 60; minute += 5 {
		s.look(minute, crowd(500, minute)...)
	}
	payloads := s.payloads()
	fold := func() Report {
		f := newFold("m")
		for _, payload := range payloads {
			f.add(payload)
		}
		return f.report(at(60))
	}
	b.Run("fold", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			fold()
		}
		b.ReportMetric(float64(len(payloads)), "events")
	})
	r := fold()
	for _, format := range formats {
		b.Run(string(format), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Write(io.Discard, format); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
