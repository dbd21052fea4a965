defmodule Hello.Router do
  @moduledoc "Answers a request with a status and a body."

  @mix_version Mix.Project.config()[:version]

  def call("GET", "/", _body), do: {200, "hello #{version()}\n"}
  # bin/smoke asks for it.
  def call("GET", "/version", _body), do: {200, "#{version()}\n"}
  def call("GET", "/health", _body), do: {200, "ok\n"}
  def call("POST", "/echo", body), do: {200, body}
  def call(_method, _path, _body), do: {404, "not found\n"}

  @doc "The version that the release was built with, and outside of a release the one of mix.exs."
  def version, do: System.get_env("RELEASE_VSN", @mix_version)
end
