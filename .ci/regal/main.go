// The Regal linter, as its own main runs it; go.sum pins every module it is built from.
package main

import (
	"errors"
	"os"

	"github.com/styrainc/regal/cmd"
)

func main() {
	if err := cmd.RootCommand.Execute(); err != nil {
		code := 1
		if exit := (cmd.ExitError{}); errors.As(err, &exit) {
			code = exit.Code()
		}

		os.Exit(code)
	}
}
