defmodule Water.MixProject do
  use Mix.Project

  def project, do: [app: :water, version: "1.0.0"]
end
