defmodule Hello.Router do
  @moduledoc "Answers a request with a status and a body."

  @version Mix.Project.config()[:version]

  def call("GET", "/", _body), do: {200, "hello #{@version}\n"}
  def call("GET", "/health", _body), do: {200, "ok\n"}
  def call("POST", "/echo", body), do: {200, body}
  def call(_method, _path, _body), do: {404, "not found\n"}

  def version, do: @version
end
