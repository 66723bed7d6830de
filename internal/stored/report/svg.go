package report

import "io"

// The measures of a timeline on its own, in units of its own.
const (
	svgWidth   = 1200
	svgHead    = 96 // above the axis
	svgAxis    = 30
	svgRow     = 28
	svgNote    = 20
	svgMargin  = 32
	svgLegend  = 44
	svgSign    = 160 // from one sign of the legend to the next
	svgChartX  = 270
	svgChartW  = 720
	svgTotalX  = svgChartX + svgChartW + 100
	svgShareX  = svgWidth - svgMargin
	svgChartY  = svgHead + svgAxis
	svgTextLow = 18 // of a text in a row, from its top
)

// sheet is a chart with the measures that depend on how much there is.
type sheet struct {
	*chart
	Width, Height              int
	ChartX, ChartY, ChartWidth int
	RowsHeight, LegendY        int
	NotesY, Band               int
	TotalX, ShareX             int
	Legend                     []placedSign
}

// placedSign is a sign of the legend and where it stands.
type placedSign struct {
	sign
	X int
}

func (r *Report) writeSVG(w io.Writer) error {
	c := r.chart()
	rows := max(len(c.People), 1) * svgRow
	s := sheet{
		chart: c, Width: svgWidth, ChartX: svgChartX, ChartY: svgChartY, ChartWidth: svgChartW, RowsHeight: rows,
		TotalX: svgTotalX, ShareX: svgShareX, Band: svgWidth - svgMargin,
	}
	for i, l := range c.Legend {
		s.Legend = append(s.Legend, placedSign{l, svgMargin + i*svgSign})
	}
	s.LegendY = svgChartY + rows + svgLegend/2
	s.NotesY = s.LegendY + svgLegend
	s.Height = s.NotesY + len(c.Notes)*svgNote
	return drawings.ExecuteTemplate(w, "timeline.svg", s)
}

// Odd tells whether a row is one of those that are set off.
func (s sheet) Odd(i int) bool { return i%2 == 0 }

// Row is where a person's row begins.
func (s sheet) Row(i int) int { return svgChartY + i*svgRow }

// Text is where the text of a person's row stands.
func (s sheet) Text(i int) int { return s.Row(i) + svgTextLow }

// Note is where a note stands.
func (s sheet) Note(i int) int { return s.NotesY + i*svgNote }
