// Summarises and translates an article.
//
//	go generate && go mod tidy
//	go run . ../article.txt [HOST:PORT]
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	polygistv1 "polygist-example/polygist/v1"
)

//go:generate protoc -I ../../protos --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative polygist/v1/common.proto polygist/v1/translation_service.proto polygist/v1/summarisation_service.proto

func main() {
	file, address := "../article.txt", "localhost:50051"
	if found := os.Getenv("POLYGIST_ADDRESS"); found != "" {
		address = found
	}
	if len(os.Args) > 1 {
		file = os.Args[1]
	}
	if len(os.Args) > 2 {
		address = os.Args[2]
	}
	if err := run(file, address); err != nil {
		// A code of google.golang.org/grpc/codes, and a sentence that says what to do.
		fmt.Fprintf(os.Stderr, "error: %s: %s\n", status.Code(err), status.Convert(err).Message())
		os.Exit(1)
	}
}

func run(file, address string) error {
	article, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	connection, err := connect(address)
	if err != nil {
		return err
	}
	defer connection.Close()

	summary, err := summarise(connection, string(article))
	if err != nil {
		return err
	}
	fmt.Println(summary)
	translation, err := translate(connection, summary)
	if err != nil {
		return err
	}
	fmt.Println(translation)
	return nil
}

func summarise(connection grpc.ClientConnInterface, article string) (string, error) {
	// A call without a deadline waits for ever where a server hangs.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	reply, err := polygistv1.NewSummarisationServiceClient(connection).Summarise(ctx, &polygistv1.SummariseRequest{
		Contents:     []string{article},
		LengthTarget: &polygistv1.SummariseRequest_MaxSentenceCount{MaxSentenceCount: 2},
	})
	if err != nil {
		return "", err
	}
	return reply.GetSummaries()[0].GetText(), nil
}

func translate(connection grpc.ClientConnInterface, text string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	reply, err := polygistv1.NewTranslationServiceClient(connection).Translate(ctx, &polygistv1.TranslateRequest{
		Contents:           []string{text},
		TargetLanguageCode: "pt",
	})
	if err != nil {
		return "", err
	}
	return reply.GetTranslations()[0].GetTranslatedText(), nil
}
