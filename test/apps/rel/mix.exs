defmodule Tasting.MixProject do
  use Mix.Project

  def project, do: [app: :tasting, version: "1.0.0"]
end
