defmodule Hello.Application do
  use Application

  @impl true
  def start(_type, _args) do
    children = [
      {Task.Supervisor, name: Hello.Connections},
      {Hello.Server, port: Application.fetch_env!(:hello, :port)}
    ]

    # SIGTERM stops the children last to first: the server drains while its connections still run.
    Supervisor.start_link(children, strategy: :rest_for_one, name: Hello.Supervisor)
  end
end
