defmodule Demo.MixProject do
  use Mix.Project

  def project, do: [app: :demo, version: "1.0.0"]
end
