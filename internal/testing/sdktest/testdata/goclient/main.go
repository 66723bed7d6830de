// A program that uses the client that oapi-codegen generates. It watches a meeting, and reads it,
// its report, both lists and the descriptions.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"rollcall.test/goclient/api"
)

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, base string) error {
	c, err := api.NewClientWithResponses(base)
	if err != nil {
		return err
	}
	title := "Mine"
	put, err := c.WatchMeetingWithResponse(ctx, "office", api.WatchRequest{Title: &title})
	if err != nil || put.JSON201 == nil && put.JSON200 == nil {
		return fmt.Errorf("watch: %v %w", put, err)
	}
	watched, err := c.ListMeetingsWithResponse(ctx, nil)
	if err != nil {
		return err
	}
	list, err := watched.JSON200.ValueByDiscriminator()
	if meetings, ok := list.(api.MeetingList); err != nil || !ok || len(meetings.Meetings) == 0 || meetings.Meetings[0].Owner == "" {
		return fmt.Errorf("what is watched: %+v %w", list, err)
	}
	state := api.ListMeetingsParamsStateEnded
	over, err := c.ListMeetingsWithResponse(ctx, &api.ListMeetingsParams{State: &state})
	if err != nil {
		return err
	}
	list, err = over.JSON200.ValueByDiscriminator()
	if _, ok := list.(api.EndedList); err != nil || !ok {
		return fmt.Errorf("what is over: %+v %w", list, err)
	}
	report, err := c.ReportMeetingWithResponse(ctx, "office", nil)
	if err != nil || report.JSON200 == nil || report.JSON200.ConferenceId != "office" {
		return fmt.Errorf("report: %v %w", report, err)
	}
	limit := 0
	wrong, err := c.ListMeetingsWithResponse(ctx, &api.ListMeetingsParams{Limit: &limit})
	if err != nil || wrong.ApplicationproblemJSON400 == nil || wrong.ApplicationproblemJSON400.Status != 400 {
		return fmt.Errorf("a problem: %v %w", wrong, err)
	}
	openAPI, err := c.OpenapiWithResponse(ctx)
	if err != nil || openAPI.YAML200 == nil || (*openAPI.YAML200)["openapi"] == nil {
		return fmt.Errorf("openapi.yaml: %w", err)
	}
	asyncAPI, err := c.AsyncapiWithResponse(ctx)
	if err != nil || asyncAPI.YAML200 == nil || (*asyncAPI.YAML200)["asyncapi"] == nil {
		return fmt.Errorf("asyncapi.yaml: %w", err)
	}
	return nil
}
