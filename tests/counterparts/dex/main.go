// Dex's server with one static client and a connector that knows people and their groups.
//
// dex OPTIONS, with OPTIONS as JSON (see dex.py), from a folder where "web" are the pages of Dex. Prints "ready" when it listens.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/dexidp/dex/connector"
	"github.com/dexidp/dex/server"
	"github.com/dexidp/dex/storage"
	"github.com/dexidp/dex/storage/memory"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
)

type person struct {
	Name   string   `json:"name"`
	Groups []string `json:"groups"`
}

type options struct {
	Issuer      string            `json:"issuer"`
	Listen      string            `json:"listen"`
	Web         string            `json:"web"`
	Certificate string            `json:"certificate"`
	Key         string            `json:"key"`
	ClientID    string            `json:"clientId"`
	Secret      string            `json:"secret"`
	Back        string            `json:"back"`
	Password    string            `json:"password"`
	People      map[string]person `json:"people"`
}

// Open makes the options a connector: people sign in with their login and the password of everybody.
func (o options) Open(string, logrus.FieldLogger) (connector.Connector, error) { return o, nil }

func (o options) Prompt() string { return "" }

func (o options) Login(_ context.Context, scopes connector.Scopes, login, password string) (connector.Identity, bool, error) {
	known, ok := o.People[login]
	if !ok || password != o.Password {
		return connector.Identity{}, false, nil
	}
	identity := connector.Identity{
		UserID: login, Username: known.Name, Email: login + "@school.example", EmailVerified: true,
	}
	if scopes.Groups {
		identity.Groups = known.Groups
	}
	return identity, true, nil
}

func main() {
	var o options
	if err := json.Unmarshal([]byte(os.Args[1]), &o); err != nil {
		log.Fatal(err)
	}
	logger := logrus.New()
	store := memory.New(logger)
	client := storage.Client{ID: o.ClientID, Secret: o.Secret, RedirectURIs: []string{o.Back}, Name: "Hubwell"}
	if err := store.CreateClient(client); err != nil {
		log.Fatal(err)
	}
	server.ConnectorsConfig["people"] = func() server.ConnectorConfig { return &o }
	if err := store.CreateConnector(storage.Connector{ID: "people", Type: "people", Name: "People", Config: []byte(os.Args[1])}); err != nil {
		log.Fatal(err)
	}
	handler, err := server.NewServer(context.Background(), server.Config{
		Issuer:             o.Issuer,
		Storage:            store,
		SkipApprovalScreen: true,
		Web:                server.WebConfig{Dir: o.Web},
		Logger:             logger,
		PrometheusRegistry: prometheus.NewRegistry(),
	})
	if err != nil {
		log.Fatal(err)
	}
	socket, err := net.Listen("tcp", o.Listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	if o.Certificate != "" {
		log.Fatal(http.ServeTLS(socket, handler, o.Certificate, o.Key))
	}
	log.Fatal(http.Serve(socket, handler))
}
