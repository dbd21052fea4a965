defmodule Grapes.MixProject do
  use Mix.Project

  def project, do: [app: :grapes, version: "1.0.0"]
end
