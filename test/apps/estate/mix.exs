defmodule Estate.MixProject do
  use Mix.Project

  @apps "apps"

  def project do
    [
      apps_path: @apps,
      version: "1.0.0",
      deps: [],
      releases: releases()
    ]
  end

  defp releases do
    [estate: [applications: Enum.map([:red_web, :white_web, :rose_web], &{&1, :permanent})]]
  end
end
