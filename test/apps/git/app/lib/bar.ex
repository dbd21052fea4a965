defmodule Bar do
  def pour, do: "#{Wine.name()} and #{Water.name()}"
end
