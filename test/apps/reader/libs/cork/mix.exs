defmodule Cork.MixProject do
  use Mix.Project

  def project, do: [app: :cork, version: "1.0.0"]
end
